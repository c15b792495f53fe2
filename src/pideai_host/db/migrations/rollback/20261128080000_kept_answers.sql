drop table if exists pideai_host.kept_answers;
