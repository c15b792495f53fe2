drop table if exists pideai_whatsapp.counts;
drop table if exists pideai_whatsapp.inbound;
drop table if exists pideai_whatsapp.channels;
