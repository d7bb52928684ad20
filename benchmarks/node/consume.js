// Lean consumers: each message in a transaction of its own, many of them in flight.
const { randomUUID } = require("node:crypto");
const { Pool } = require("pg");
const bus = require("./bus");

const PREFETCH = 200;
const IN_FLIGHT = 16; // connections of this process, so also messages at work
const database = new Pool({ connectionString: process.env.DATABASE_URL, max: IN_FLIGHT });

const LOCK = "SELECT 1 FROM stock WHERE sku = ANY($1) ORDER BY sku FOR UPDATE";

async function reserve(client, { subject, data }) {
  const skus = data.lines.map((line) => line.sku);
  const counts = data.lines.map((line) => line.quantity);
  await client.query(LOCK, [skus]);
  const { rowCount } = await client.query(
    "INSERT INTO reservations (order_id, sku, quantity) " +
      "SELECT $1, * FROM unnest($2::text[], $3::int[]) ON CONFLICT DO NOTHING",
    [subject, skus, counts],
  );
  if (rowCount)
    await client.query(
      "UPDATE stock SET reserved = reserved + n " +
        "FROM unnest($1::text[], $2::int[]) AS v(key, n) WHERE sku = key",
      [skus, counts],
    );
  return ["inventory.reserved"];
}

async function sell(client, { subject }) {
  await client.query(
    "SELECT 1 FROM stock WHERE sku IN (SELECT sku FROM reservations WHERE order_id = $1) " +
      "ORDER BY sku FOR UPDATE",
    [subject],
  );
  await client.query(
    "WITH sold AS (UPDATE reservations SET status = 'committed' " +
      "WHERE order_id = $1 AND status = 'held' RETURNING sku, quantity) " +
      "UPDATE stock SET reserved = reserved - quantity, on_hand = on_hand - quantity, " +
      "sold = stock.sold + quantity FROM sold WHERE stock.sku = sold.sku",
    [subject],
  );
  return ["inventory.committed"];
}

// One statement is a transaction already.
const execute = (says, statement, values) => async (client, event) => {
  await client.query(statement, values(event));
  return says;
};
const move = (status, sources) =>
  execute(
    [`order.${status}`],
    `UPDATE orders SET status = '${status}', updated_at = now() ` +
      `WHERE id = $1 AND status IN (${sources})`,
    (event) => [event.subject],
  );
const note = (channel) =>
  execute(
    [],
    "INSERT INTO notifications (order_id, milestone, channel) VALUES ($1, $2, $3) " +
      "ON CONFLICT DO NOTHING",
    (event) => [event.subject, event.type, channel],
  );

const TRANSACTIONS = { "inventory order.created": reserve, "inventory payment.success": sell };
const STATEMENTS = {
  "payment inventory.reserved": execute(
    ["payment.success"],
    "INSERT INTO payments (order_id, amount_cents) VALUES ($1, $2) ON CONFLICT DO NOTHING",
    (event) => [event.subject, event.data.total_cents],
  ),
  "order payment.success": move("paid", "'created'"),
  "shipping payment.success": execute(
    ["shipping.prepared"],
    "INSERT INTO shipments (order_id) VALUES ($1) ON CONFLICT DO NOTHING",
    (event) => [event.subject],
  ),
  "order shipping.prepared": move("shipped", "'created', 'paid'"),
  "shipping order.shipped": execute(
    ["shipping.delivered"],
    "UPDATE shipments SET status = 'delivered' WHERE order_id = $1",
    (event) => [event.subject],
  ),
  "order shipping.delivered": move("completed", "'created', 'paid', 'shipped'"),
  email: note("email"),
  sms: note("sms"),
  audit: execute(
    [],
    "INSERT INTO audit (event_id, order_id, type, body) VALUES ($1, $2, $3, $4) " +
      "ON CONFLICT DO NOTHING",
    (event) => [event.id, event.subject, event.type, JSON.stringify(event)],
  ),
};

async function handle(queue, event) {
  const key = `${queue} ${event.type}`;
  if (!(key in TRANSACTIONS)) return (STATEMENTS[key] ?? STATEMENTS[queue])(database, event);
  const client = await database.connect();
  try {
    await client.query("BEGIN");
    const says = await TRANSACTIONS[key](client, event);
    await client.query("COMMIT");
    return says;
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  } finally {
    client.release();
  }
}

async function main() {
  const channel = await bus.connect();
  await channel.prefetch(PREFETCH);
  for (const queue of Object.keys(bus.QUEUES))
    await channel.consume(queue, async (message) => {
      const event = JSON.parse(message.content);
      try {
        for (const type of await handle(queue, event))
          await bus.publish(channel, { ...event, id: randomUUID(), type });
        channel.ack(message);
      } catch (error) {
        console.error(queue, event.type, error.message);
        channel.nack(message);
      }
    });
}

main();
