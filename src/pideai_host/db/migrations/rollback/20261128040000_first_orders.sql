alter table if exists pideai_host.store_customers drop column if exists first_order;
