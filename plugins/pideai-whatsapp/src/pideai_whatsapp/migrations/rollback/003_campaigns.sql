drop table if exists pideai_whatsapp.campaign_recipients;
drop table if exists pideai_whatsapp.campaigns;
