db.follows.createIndex({follower: 1, followed: 1});
db.follows.insertMany([
  {follower: "ben", followed: "cleo", since: ISODate("2024-01-01")},
  {follower: "dan", followed: "cleo", blocked: true, since: ISODate("2024-01-01")},
  {follower: "eve", followed: "cleo", blocked: false, since: ISODate("2999-01-01")},
]);
