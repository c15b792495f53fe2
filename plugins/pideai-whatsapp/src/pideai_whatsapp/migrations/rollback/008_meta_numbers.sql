drop table if exists pideai_whatsapp.meta_numbers;
