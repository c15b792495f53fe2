drop table half;
