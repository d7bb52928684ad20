SELECT 'completed', count(*) FROM orders WHERE status = 'completed';
SELECT 'audited', count(*) FROM audit;
SELECT 'notified', count(*) FROM notifications;
SELECT 'lines', count(*) FROM reservations WHERE status = 'committed';
SELECT 'payments', count(*) FROM payments WHERE status = 'captured';
SELECT 'shipments', count(*) FROM shipments WHERE status = 'delivered';
SELECT 'sold', sum(sold) FROM stock WHERE on_hand + sold = 1000000;
SELECT 'reserved', sum(reserved) FROM stock;
