SET sql_mode='ALLOW_INVALID_DATES';
SET NAMES utf8mb4;
SET time_zone='+00:00';
SET timestamp=1714979289.250001;
insert into t_num(id) values(@k+1);
insert into t_num values(@k+2, b'1',b'0',b'00011',b'1111111111111111111111111111111111111111111111111111111111111111',
 true,false,-128,255, -128,255,-32768,65535, -8388608,16777215,-2147483648,4294967295, 42,-9223372036854775808,18446744073709551615,9223372036854775808,
 -3.4e38,1.17549e-38,1234.567,1.1, -1.7976931348623157e308,2.2250738585072014e-308,123456.7891,0.1,
 -9999999999,9999999999,-0.05,-12345678901234567890123456789012345.123456789012345678901234567890,-99999, 99999.999,-1234567890.0123456789,9.99);
insert into t_num values(@k+3, b'0',b'1',b'11111',b'1000000000000000000000000000000000000000000000000000000000000001',
 false,true,127,0, 127,0,32767,0, 8388607,0,2147483647,0, 0,9223372036854775807,0,0,
 0,-0.5,0,1e10, 0,123456789012345680,0,1e-7, 0,0,0,0,0, 0,0,0);
insert into t_num values(@k+4, null,b'1',null,null, null,true,null,null, null,null,null,1, null,null,null,null, null,null,null,null, null,null,null,null, null,null,null,null, null,null,null,null,1, null,null,null);
insert into t_num(id,f,fd,fp,f53,d,dd,dp,re) values(@k+5, 16777216,1e7,-0.001,3.1415926535,1e7,9999999,-0.0001,1e21),
 (@k+6, 0.1,0.001,9999.999,1e-3,0.001,0.00099,100,1e22),(@k+7, 3.4028235e38,1e-45,1,123456789,4.9e-324,1e16,1,1.0e-10);
insert into t_str(id,id2,en) values(@k+1,'ä','x');
insert into t_str values(@k+2,'k"2', 'pad  ','é€', 'ünïcode 😀 "q" \\ / \t\n\r\b end', concat('ctl', char(1), char(31), char(127)), 'x', 'é latin', 'mb3 €', 'bin 😀', 'ucs2 é','B',
 x'00ff10', 'ab', x'00ff80', x'', 'tiny é', 'text é', 'medium', 'long', 'latin é', x'00', x'0102fe', 'medium', 'long',
 'it''s','y','ü','r,bb','u,w','é,ü','{"a": 1, "b": [1, 2.5, "x\\"y", null, true], "c": {"é": "😀"}, "big": 12345678901234567890, "n": -0.5}');
insert into t_str values(@k+3,'', '','', '','','','','','','','','','','','', '','','','','', '','','','', 'a','x','é','','','', '[]');
insert into t_str values(@k+4,'n', null,null, null,'','','','','','',null,null,null,null,null, null,null,null,null,null, null,null,null,null, null,'x',null,null,'v',null, null);
insert into t_str(id,id2,en,js,v) values(@k+5,'j1','x','"str"','a'),(@k+6,'j2','x','12','b'),(@k+7,'j3','x','null','c'),(@k+8,'j4','x','{}','d'),(@k+9,'j5','x','true','</script>');
insert into t_time(id,dan,dn) values(@k+1,'2024-01-02','2024-01-02 03:04:05');
insert into t_time values(@k+2, '1000-01-01','9999-12-31','1969-12-31','1970-01-01',
 '-838:59:59','-00:00:00.1','838:59:59.000','-838:59:58.999999','00:00:00','23:59:59.999',
 '1000-01-01 00:00:00','9999-12-31 23:59:59.9','1969-12-31 23:59:59.999','1970-01-01 00:00:00.0001','2038-01-19 03:14:07.999999','1000-01-01 00:00:00','9999-12-31 23:59:59.999999','2024-02-29 12:00:00','1815-06-18 11:35:00',
 '1970-01-01 00:00:01','2038-01-19 03:14:07.99','2024-02-29 23:59:59.999','2001-09-09 01:46:40.000001','2024-05-06 07:08:09','2024-05-06 07:08:09.100','2024-05-06 07:08:10','2024-05-06 07:08:10.120000',
 1901,2155,1970);
insert into t_time values(@k+3, '0000-00-00',null,'0000-00-00','0000-00-00', '00:00:00','10:11:12.3','-01:30:00.250','00:00:00.000001',null,'-00:00:01',
 '0000-00-00 00:00:00','0000-00-00 00:00:00','0000-00-00 00:00:00','0000-00-00 00:00:00','0000-00-00 00:00:00',null,'0000-00-00 00:00:00',null,'0000-00-00 00:00:00',
 '0000-00-00 00:00:00','0000-00-00 00:00:00',null,'0000-00-00 00:00:00',null,'0000-00-00 00:00:00','0000-00-00 00:00:00','0000-00-00 00:00:00', null,null,2000);
insert into t_time(id,da,dan,d0,dn,t0,t3,t6,s0,s3,s6) values(@k+4,'2024-12-31','0001-01-01','2024-12-31 10:00:00','1582-10-10 00:00:00','100:00:00','00:00:00.5','12:00:00','2024-03-10 02:30:00','2024-03-10 02:30:00.25','2024-03-10 02:30:00');
insert into t_geo(id,pn) values(@k+1, st_geomfromtext('POINT(1 2)'));
insert into t_geo values(@k+2, st_geomfromtext('POINT(-71.06 42.36)'), st_geomfromtext('POINT(0 0)'), st_geomfromtext('LINESTRING(0 0,1 1,2 2)'), st_geomfromtext('POLYGON((0 0,4 0,4 4,0 4,0 0))'),
 st_geomfromtext('POINT(5 6)',4326), st_geomfromtext('MULTIPOINT(0 0,1 1)'), st_geomfromtext('MULTILINESTRING((0 0,1 1),(2 2,3 3))'), st_geomfromtext('MULTIPOLYGON(((0 0,1 0,1 1,0 0)))'), st_geomfromtext('GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))'));
insert into t_gen(id,a,b,`sel ect`,`q"uo`,`naïve`,`1st`) values(@k+1,5,'x',1,'"',2,3),(@k+2,null,null,null,null,null,null);
insert into t_nokey values(1,'one'),(null,null);
insert into t_uniq values(@k+1,'u',1);
insert into t_uniqnull values(@k+1,@k+1);
insert into `odd-name tbl` values(@k+1,2);
