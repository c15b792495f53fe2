drop table if exists pideai_whatsapp.stores;
drop table if exists pideai_whatsapp.opt_outs;
drop table if exists pideai_whatsapp.sends;
