-- Every column type that MySQL and MariaDB share, in tables by kind.
SET sql_mode='ALLOW_INVALID_DATES';
SET NAMES utf8mb4;
SET time_zone='+00:00';
create table t_num(
 id int primary key,
 b1 bit, b1d bit(1) not null default b'1', b5 bit(5) default b'10101', b64 bit(64),
 bo boolean, bod boolean not null default true, ti1 tinyint(1) default 1, ti1u tinyint(1) unsigned,
 ti tinyint default -5, tiu tinyint unsigned default 200, si smallint, siu smallint unsigned not null default 40000,
 mi mediumint, miu mediumint unsigned default 16777215, i int default 0, iu int unsigned default 4294967295,
 iz int(5) zerofill, bi bigint default 9223372036854775807, biu bigint unsigned, biud bigint unsigned default 5,
 f float, fd float default 1.5, fp float(7,3), f53 float(30), d double, dd double default 2.25, dp double(10,4), re real,
 de decimal, dep decimal(10), dps decimal(12,2) default 12.34, dl decimal(65,30), dn decimal(5,0) not null default 7,
 du decimal(8,3) unsigned, nu numeric(20,10), dz decimal(6,2) zerofill default 1.5
);
create table t_str(
 id int not null, id2 varchar(20) not null,
 c char(10), cd char(5) default 'ab', v varchar(100), vd varchar(40) not null default 'x"y', ve varchar(5) default '',
 vl varchar(30) character set latin1, vu varchar(30) character set utf8mb3, vb varchar(30) character set utf8mb4 collate utf8mb4_bin,
 uc varchar(20) character set ucs2, cb varchar(30) binary,
 bi binary(6), bid binary(3) default 'abc', vbi varbinary(20), vbd varbinary(20) default 'xyz',
 tt tinytext, te text, mt mediumtext, lt longtext, tl text character set latin1,
 tb tinyblob, bl blob, mb mediumblob, lb longblob,
 e enum('a','b','c,d','it''s') default 'b', en enum('x','y') not null, el enum('é','ü') character set latin1,
 s set('r','g','bb') default 'r,g', sn set('u','v','w') not null default 'v', sl set('é','ü') character set latin1,
 js json,
 primary key(id2, id)
);
create table t_time(
 id int primary key,
 da date, dad date default '2001-02-03', dan date not null, dadn date not null default '2020-02-29',
 t0 time, t1 time(1), t3 time(3), t6 time(6), td time default '12:34:56', tdn time(3) not null default '01:02:03.456',
 d0 datetime, d1 datetime(1), d3 datetime(3), d4 datetime(4), d6 datetime(6), dd datetime default '2001-02-03 04:05:06',
 ddn datetime(6) not null default '2001-02-03 04:05:06.123456', dcur datetime default current_timestamp, dn datetime not null,
 s0 timestamp null, s2 timestamp(2) null, s3 timestamp(3) null, s6 timestamp(6) null,
 sd timestamp null default '2001-02-03 04:05:06', sdn timestamp(3) not null default '2001-02-03 04:05:06.500',
 scur timestamp not null default current_timestamp on update current_timestamp, scur6 timestamp(6) not null default current_timestamp(6),
 y year, yd year default 1999, yn year not null default '2010'
);
create table t_geo(
 id int primary key,
 p point, pn point not null, ls linestring, po polygon, g geometry, mp multipoint, mls multilinestring, mpo multipolygon, gc geometrycollection
);
create table t_gen(
 id int auto_increment primary key, a int, b varchar(10),
 v int as (a*2) virtual, st int as (a+1) stored, vs varchar(30) as (concat(b,'!')) stored,
 `sel ect` int, `q"uo` varchar(10) default 'q', `naïve` int, `1st` int
);
create table t_nokey(a int, b varchar(10));
create table t_uniq(a int not null, b varchar(10) not null, c int, unique key u (b,a));
create table t_uniqnull(a int, b int not null, unique key u1 (a), unique key u2 (b));
create table `odd-name tbl`(id int primary key, `x-y` int);
