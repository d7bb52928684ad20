-- The tables of every contestant but Waybill, which has its own.
CREATE TABLE orders (
    id uuid PRIMARY KEY,
    status text NOT NULL DEFAULT 'created',
    email text NOT NULL DEFAULT 'ada@example.org',
    phone text NOT NULL DEFAULT '+4912345',
    total_cents bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE order_lines (
    order_id uuid NOT NULL,
    sku text NOT NULL,
    quantity int NOT NULL,
    unit_cents int NOT NULL,
    PRIMARY KEY (order_id, sku)
);
CREATE TABLE stock (
    sku text PRIMARY KEY,
    on_hand int NOT NULL CHECK (on_hand >= 0),
    reserved int NOT NULL DEFAULT 0 CHECK (reserved BETWEEN 0 AND on_hand),
    sold int NOT NULL DEFAULT 0
);
CREATE TABLE reservations (
    order_id uuid NOT NULL,
    sku text NOT NULL,
    quantity int NOT NULL,
    status text NOT NULL DEFAULT 'held',
    PRIMARY KEY (order_id, sku)
);
CREATE TABLE payments (
    order_id uuid PRIMARY KEY,
    amount_cents bigint NOT NULL,
    status text NOT NULL DEFAULT 'captured',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE shipments (
    order_id uuid PRIMARY KEY,
    status text NOT NULL DEFAULT 'prepared',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE audit (
    event_id uuid PRIMARY KEY,
    order_id uuid NOT NULL,
    type text NOT NULL,
    body text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE notifications (
    order_id uuid NOT NULL,
    milestone text NOT NULL,
    channel text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (order_id, milestone, channel)
);
INSERT INTO stock (sku, on_hand)
SELECT 'sku-' || lpad(number::text, 3, '0'), 1000000 FROM generate_series(0, 199) number;
