<?php
// Responds with the user's role as a PHP application reads it.
header("x-reader: php");
header("content-type: application/json");
$body = $_POST["user_role"] ?? null;
if ($body === null && str_contains(strtolower($_SERVER["CONTENT_TYPE"] ?? ""), "json")) {
    $value = json_decode(file_get_contents("php://input"), true);
    $body = is_array($value) ? ($value["user_role"] ?? null) : null;
}
echo json_encode([
    "query" => $_GET["user_role"] ?? null, "body" => $body,
    "merged" => $_REQUEST["user_role"] ?? null,
    "header" => $_SERVER["HTTP_X_ROLE"] ?? null, "claim" => $_SERVER["HTTP_X_USER_ID"] ?? null,
], JSON_INVALID_UTF8_SUBSTITUTE | JSON_PARTIAL_OUTPUT_ON_ERROR);
