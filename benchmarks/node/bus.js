// A topic exchange, seven queues, confirms and acknowledgements.
const amqp = require("amqplib");

const EXCHANGE = "events";
const MILESTONES = ["order.created", "order.paid", "order.shipped", "order.completed"];
const QUEUES = {
  inventory: ["order.created", "payment.success"],
  payment: ["inventory.reserved"],
  order: ["payment.success", "shipping.prepared", "shipping.delivered"],
  shipping: ["payment.success", "order.shipped"],
  email: MILESTONES,
  sms: MILESTONES,
  audit: ["#"],
};

async function connect() {
  const connection = await amqp.connect(process.env.AMQP_URL);
  const channel = await connection.createConfirmChannel();
  await channel.assertExchange(EXCHANGE, "topic", { durable: true });
  for (const [queue, keys] of Object.entries(QUEUES)) {
    await channel.assertQueue(queue, { durable: true });
    for (const key of keys) await channel.bindQueue(queue, EXCHANGE, key);
  }
  return channel;
}

// Resolves once the broker has it; many may be under way.
function publish(channel, event) {
  const body = Buffer.from(JSON.stringify(event));
  return new Promise((resolve, reject) =>
    channel.publish(EXCHANGE, event.type, body, { persistent: true }, (error) =>
      error ? reject(error) : resolve(),
    ),
  );
}

module.exports = { QUEUES, connect, publish };
