// Store orders a hundred at a time, then say that each was created.
const { randomUUID } = require("node:crypto");
const { readFileSync } = require("node:fs");
const readline = require("node:readline");
const { Pool } = require("pg");
const bus = require("./bus");

const BATCH = 100;
const database = new Pool({ connectionString: process.env.DATABASE_URL, max: 1 });

async function store(orders) {
  await database.query("BEGIN");
  await database.query(
    "INSERT INTO orders (id, total_cents) SELECT * FROM unnest($1::uuid[], $2::bigint[])",
    [orders.map((one) => one.id), orders.map((one) => one.total_cents)],
  );
  const lines = orders.flatMap((one) => one.lines.map((line) => ({ id: one.id, ...line })));
  await database.query(
    "INSERT INTO order_lines (order_id, sku, quantity, unit_cents) " +
      "SELECT * FROM unnest($1::uuid[], $2::text[], $3::int[], $4::int[])",
    ["id", "sku", "quantity", "unit_cents"].map((name) => lines.map((line) => line[name])),
  );
  await database.query("COMMIT");
}

function created(order) {
  const { id: subject, lines, total_cents } = order;
  return { id: randomUUID(), type: "order.created", subject, data: { lines, total_cents } };
}

async function main() {
  const channel = await bus.connect();
  const orders = JSON.parse(readFileSync(process.env.ORDERS));
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [first, last] = line.split(" ").map(Number);
    for (let start = first; start < last; start += BATCH) {
      const batch = orders.slice(start, Math.min(start + BATCH, last));
      await store(batch);
      await Promise.all(batch.map((one) => bus.publish(channel, created(one))));
    }
  }
}

main();
