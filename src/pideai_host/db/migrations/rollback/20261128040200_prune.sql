drop index if exists pideai_host.credit_holds_age;
