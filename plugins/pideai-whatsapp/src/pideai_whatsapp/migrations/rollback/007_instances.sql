drop table if exists pideai_whatsapp.instances;
