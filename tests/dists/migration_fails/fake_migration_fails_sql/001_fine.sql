create table fine (id uuid primary key);
