create table t_maria(
 id int primary key, u uuid, ud uuid default '123e4567-e89b-12d3-a456-426655441234',
 js json default '{"a":1}', te text default 'text é', bl blob default 'bl', dx datetime
);
