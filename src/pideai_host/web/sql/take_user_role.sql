-- For this transaction only, be the user: the shop's own functions and policies then judge as they do for the panel.
-- The role is a constant, never the token's word. A user's question must not hold a connection for long.
select
  set_config('role', 'authenticated', true),
  set_config('request.jwt.claims', %(claims)s, true),
  set_config('statement_timeout', '3000', true)
