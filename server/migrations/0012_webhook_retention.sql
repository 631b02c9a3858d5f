-- Notices that were delivered or given up are removed after a while; the index finds them.
create index webhook_delivery_ended on webhook_delivery (created_at) where status <> 'pending';
