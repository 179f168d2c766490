package dbtest

// Things is a SQLite table with one column for each way to declare it. Many cells do
// not have the type that their column declares.
const Things = `
CREATE TABLE things (
	id   INTEGER PRIMARY KEY,
	name TEXT COLLATE NOCASE,
	n    INTEGER,
	x    REAL,
	any_ ,
	b    BOOLEAN,
	j    JSON,
	d    DATETIME,
	bin  BLOB,
	"a.b" TEXT,
	"it's ""odd""; --" TEXT
);
CREATE INDEX things_name ON things (name COLLATE BINARY);
CREATE INDEX things_n ON things (n);
INSERT INTO things VALUES
(1, 'alice', 18, 1.5, 'text', 1, '{"a":{"b":1},"tags":["x","y"]}', '2024-01-01 00:00:00', x'00ff', 'dot', 'odd'),
(2, 'Alice', 18, 18.0, 18, 0, '{"a":[{"b":1},{"b":2}],"tags":[]}', '2024-01-01T01:00:00+01:00', x'', '', NULL),
(3, 'bob', NULL, NULL, 18.0, NULL, NULL, NULL, NULL, NULL, NULL),
(4, '18', 9223372036854775807, 9223372036854775807.0, '18', 2, '"x"', '2024-06-01', NULL, NULL, NULL),
(5, '', -9223372036854775808, -0.0, x'74657874', 'true', 'not json', 'yesterday', NULL, NULL, NULL),
(6, 'ü', 9007199254740993, 9007199254740992.0, NULL, 1, '9007199254740993', 1704067200, NULL, NULL, NULL),
(7, NULL, 'abc', 'abc', 1, 0, 'null', NULL, NULL, NULL, NULL),
(8, 'a' || char(10) || 'b' || char(0) || 'c', 0, 0, 0, NULL, '[1,"x",{"b":null}]', NULL, NULL, NULL, NULL);
CREATE VIEW names AS SELECT id, name || '!' AS loud, n FROM things;
CREATE TABLE "drop" ("select" TEXT, "a""b" TEXT);
INSERT INTO "drop" VALUES ('from', 'quoted');
`
