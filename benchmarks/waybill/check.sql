SELECT 'completed', count(*) FROM orders_order WHERE status = 'completed';
SELECT 'audited', count(*) FROM audit_auditrecord;
SELECT 'notified', count(*) FROM notifications_notification WHERE milestone <> 'confirmed';
SELECT 'lines', count(*) FROM inventory_reservationline
    JOIN inventory_reservation USING (order_id) WHERE status = 'committed';
SELECT 'payments', count(*) FROM payments_payment WHERE status = 'settled';
SELECT 'shipments', count(*) FROM shipping_shipment WHERE status = 'delivered';
SELECT 'sold', sum(sold) FROM inventory_stockitem WHERE on_hand + sold = 1000000;
SELECT 'reserved', sum(reserved) FROM inventory_stockitem;
