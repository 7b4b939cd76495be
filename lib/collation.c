/*
 * MySQL's and MariaDB's collation ids and the character sets they are of, from
 * the servers' information_schema.collations.
 */
#include <stddef.h>

#include "binrow.h"

static const struct {
	int from, to;
	const char *charset; /* as in kc_collation_charset */
} ids[] = {
	{ 0, 0, NULL }, { 1, 1, "BIG5" }, { 2, 2, "ISO-8859-2" },
	{ 3, 3, "DEC-MCS" }, { 4, 4, "CP850" }, { 5, 5, "CP1252" },
	{ 6, 6, "HP-ROMAN8" }, { 7, 7, "KOI8-R" }, { 8, 8, "CP1252" },
	{ 9, 9, "ISO-8859-2" }, { 10, 10, NULL }, { 11, 11, NULL },
	{ 12, 12, "EUC-JP" }, { 13, 13, "SHIFT_JIS" }, { 14, 14, "CP1251" },
	{ 15, 15, "CP1252" }, { 16, 16, "ISO-8859-8" }, { 18, 18, "TIS-620" },
	{ 19, 19, "EUC-KR" }, { 20, 20, "ISO-8859-13" }, { 21, 21, "ISO-8859-2" },
	{ 22, 22, "KOI8-U" }, { 23, 23, "CP1251" }, { 24, 24, "GB2312" },
	{ 25, 25, "ISO-8859-7" }, { 26, 26, "CP1250" }, { 27, 27, "ISO-8859-2" },
	{ 28, 28, "GBK" }, { 29, 29, "CP1257" }, { 30, 30, "ISO-8859-9" },
	{ 31, 31, "CP1252" }, { 32, 32, "ARMSCII-8" }, { 33, 33, NULL },
	{ 34, 34, "CP1250" }, { 35, 35, "UCS-2BE" }, { 36, 36, "CP866" },
	{ 37, 37, "CP852" }, { 38, 38, "MAC-CENTRALEUROPE" },
	{ 39, 39, "MACINTOSH" }, { 40, 40, "CP852" }, { 41, 42, "ISO-8859-13" },
	{ 43, 43, "MAC-CENTRALEUROPE" }, { 44, 44, "CP1250" }, { 45, 46, NULL },
	{ 47, 49, "CP1252" }, { 50, 52, "CP1251" }, { 53, 53, "MACINTOSH" },
	{ 54, 55, "UTF-16BE" }, { 56, 56, "UTF-16LE" }, { 57, 57, "CP1256" },
	{ 58, 59, "CP1257" }, { 60, 61, "UTF-32BE" }, { 62, 62, "UTF-16LE" },
	{ 63, 63, "" }, { 64, 64, "ARMSCII-8" }, { 65, 65, NULL },
	{ 66, 66, "CP1250" }, { 67, 67, "CP1256" }, { 68, 68, "CP866" },
	{ 69, 69, "DEC-MCS" }, { 70, 70, "ISO-8859-7" }, { 71, 71, "ISO-8859-8" },
	{ 72, 72, "HP-ROMAN8" }, { 73, 73, "CP852" }, { 74, 74, "KOI8-R" },
	{ 75, 75, "KOI8-U" }, { 76, 76, NULL }, { 77, 77, "ISO-8859-2" },
	{ 78, 78, "ISO-8859-9" }, { 79, 79, "ISO-8859-13" }, { 80, 80, "CP850" },
	{ 81, 81, "CP852" }, { 82, 82, "CP1252" }, { 83, 83, NULL },
	{ 84, 84, "BIG5" }, { 85, 85, "EUC-KR" }, { 86, 86, "GB2312" },
	{ 87, 87, "GBK" }, { 88, 88, "SHIFT_JIS" }, { 89, 89, "TIS-620" },
	{ 90, 90, "UCS-2BE" }, { 91, 91, "EUC-JP" }, { 92, 93, "GEORGIAN-PS" },
	{ 94, 94, "CP1252" }, { 95, 96, "CP932" }, { 97, 98, "EUC-JP" },
	{ 99, 99, "CP1250" }, { 101, 124, "UTF-16BE" }, { 128, 151, "UCS-2BE" },
	{ 159, 159, "UCS-2BE" }, { 160, 183, "UTF-32BE" }, { 192, 247, NULL },
	{ 248, 250, "GB18030" }, { 254, 400, NULL }, { 576, 639, NULL },
	{ 640, 671, "UCS-2BE" }, { 672, 735, "UTF-16BE" },
	{ 736, 767, "UTF-32BE" }, { 2048, 2559, NULL },
	{ 2560, 2815, "UCS-2BE" }, { 2816, 3071, "UTF-16BE" },
	{ 3072, 3327, "UTF-32BE" },
};

const char *
kc_collation_charset(int id)
{
	/* MariaDB's NOPAD twins */
	if (id >= 1024 && id < 2048)
		id -= 1024;
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
		if (id >= ids[i].from && id <= ids[i].to)
			return ids[i].charset;
	return "?";
}
