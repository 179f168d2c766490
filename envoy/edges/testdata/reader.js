// Responds with the user's role as an Express application reads it.
const express = require("express");
const app = express();
app.set("query parser", "extended"); // qs
app.use((req, res, next) => { res.set("x-reader", "express"); next(); });
app.use(express.json({type: ["json", "+json"]}), express.urlencoded({extended: true}));
app.use((req, res) => {
  res.json({
    query: req.query.user_role, body: req.body?.user_role,
    header: req.headers["x-role"], claim: req.headers["x-user-id"],
  });
});
app.use((err, req, res, next) => res.status(err.status || 500).json({error: String(err)}));
const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
