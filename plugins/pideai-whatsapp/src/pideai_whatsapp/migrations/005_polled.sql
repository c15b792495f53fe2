-- Messages whose provider can be asked how far they are, by when they were handed over.
create index if not exists sends_to_ask_for on pideai_whatsapp.sends (claimed_at)
  where provider = 'twilio' and state = 'accepted';
