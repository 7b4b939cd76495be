insert into t_mysql(id,dx) values(@k+1,'2024-01-01');
insert into t_mysql(id,js,te,vx,ix,dx,p4) values(@k+2,'{"b": 1, "aa": "2024-01-01", "dec": 1.50}',null,null,null,null,st_geomfromtext('POINT(10 20)',4326));
insert into t_mysql(id,dx,js) values(@k+3,'2024-01-01',json_object('d',cast('2024-01-02' as date),'dec',cast(12.340 as decimal(10,3)),'dbl',1e0,'u',cast(18446744073709551615 as unsigned))),
 (@k+4,'2024-01-01',json_array(1,-1,70000,-70000,5000000000,1.5,'x',null,true,false,json_object(),json_array()));
