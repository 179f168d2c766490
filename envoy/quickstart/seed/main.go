// Command seed runs a file of SQL on a SQLite database, in one transaction. It creates
// the database if it is missing.
//
//	seed DATABASE FILE.sql
package main

import (
	"database/sql"
	"fmt"
	"io"
	"os"

	_ "modernc.org/sqlite" // SQLite in Go: no C compiler, no sqlite3 program
)

func main() {
	os.Exit(run(os.Args[1:], os.Stderr))
}

func run(args []string, stderr io.Writer) int {
	if len(args) != 2 {
		fmt.Fprintln(stderr, "usage: seed DATABASE FILE.sql")
		return 2
	}
	if err := seed(args[0], args[1]); err != nil {
		fmt.Fprintln(stderr, "seed:", err)
		return 1
	}
	return 0
}

func seed(path, file string) (err error) {
	statements, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer tx.Rollback() // does nothing after Commit
	if _, err := tx.Exec(string(statements)); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return tx.Commit()
}
