create table t_mysql(
 id int primary key, js json default (json_object('a',1)), te text default ('text'), vx varchar(30) default (concat('a','b')),
 ix int default (1+2), dx datetime default (now()), p4 point srid 4326
);
