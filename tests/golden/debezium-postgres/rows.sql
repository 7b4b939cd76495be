insert into types(id,tsz) values(1,'2020-01-01 00:00:00+00');
insert into types values(2,-32768,2147483647,-9223372036854775808,4294967295,1.5,3.141592653589793,123.4567890,-12345678.91,99999999999999999999,false,'abc','vé "q" \ x',E'tab\tnl\n✓😀','CiT',E'\\xdeadbeef','2024-02-29','23:59:59.123456','12:34:56.789','10:20:30.5+02','2024-01-02 03:04:05.678901','2024-01-02 03:04:05','2024-01-02 03:04:05.678','2024-06-01 12:00:00.12+02','1 year 2 mons 3 days 04:05:06.789','0e37df36-f698-11e6-8dd4-cb9ced3df976','{"a": 1, "b":[1,2]}','{"a":1,"b":[1, 2]}','<a>1</a>','192.168.1.1/24','10.0.0.0/8','08:00:2b:01:02:03',b'1',b'10101',b'1010','1234.56','a=>1,b=>NULL','a.b.c','happy','[1,10)','[2024-01-01 00:00+00,infinity)','(1.5,-2)',5,'{1,NULL,3}','{a,"b c",NULL,"q\"x"}','{1.10,2.2}','{"\\x01","\\xff"}','{0e37df36-f698-11e6-8dd4-cb9ced3df976}','{2024-01-01 00:00:00}','{2024-01-01}','{sad,happy}','((1,1),(0,0))','08:00:2b:01:02:03:04:05','a b');
insert into types(id,f4,f8,n,ts,tsz,d,iv,bo) values(3,'NaN','Infinity',1e30,'infinity','-infinity','infinity','-1 day',null);
update types set s2=5, vc=null where id=2;
update types set id=10 where id=3;
delete from types where id=1;
truncate types;
