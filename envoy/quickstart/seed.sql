-- The quickstart's data. Ben follows Cleo; Ana and Cleo follow no user.
drop table if exists profiles;
drop table if exists follows;

create table profiles (
	id         text primary key,
	name       text not null,
	visibility text not null check (visibility in ('public', 'private'))
);

create table follows (
	follower text not null references profiles (id),
	followed text not null references profiles (id),
	primary key (follower, followed)
);

insert into profiles (id, name, visibility) values
	('ana',  'Ana',  'public'),
	('ben',  'Ben',  'public'),
	('cleo', 'Cleo', 'private');

insert into follows (follower, followed) values
	('ben', 'cleo');
