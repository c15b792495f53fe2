drop index if exists pideai_whatsapp.sends_to_ask_for;
