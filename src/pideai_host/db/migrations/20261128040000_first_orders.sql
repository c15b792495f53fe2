-- Which order was a customer's first in a store, so that customer.registered comes with that one in whatever order they
-- come in. Null for customers who were known before: they have been told of.
alter table pideai_host.store_customers add column if not exists first_order uuid;
