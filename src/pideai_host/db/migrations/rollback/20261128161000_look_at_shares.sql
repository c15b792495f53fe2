drop function if exists pideai_host.wait_in_main_lane(uuid[], uuid[], timestamptz[], integer);
