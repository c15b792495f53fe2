create table there (id uuid primary key);
