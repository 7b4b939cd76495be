insert into t_maria(id,dx) values(@k+1,'2024-01-01');
insert into t_maria(id,u,ud,js,te,bl,dx) values(@k+2,'ffffffff-ffff-1fff-8fff-fffffffffffe',null,'[1]','t',x'00',null);
