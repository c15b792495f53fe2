drop table fine;
