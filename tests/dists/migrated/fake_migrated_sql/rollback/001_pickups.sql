drop table pideai_migrated.pickups;
