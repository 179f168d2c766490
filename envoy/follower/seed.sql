CREATE TABLE follows (follower VARCHAR(50) NOT NULL, followed VARCHAR(50) NOT NULL, blocked BOOLEAN, since DATE NOT NULL);
CREATE INDEX follows_follower ON follows (follower, followed);
INSERT INTO follows VALUES ('ben', 'cleo', NULL, '2024-01-01'), ('dan', 'cleo', TRUE, '2024-01-01'), ('eve', 'cleo', FALSE, '2999-01-01');
