<?php
// What a web server's rewriting does for WordPress: files as they are, everything else to index.php.

$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
$file = $_SERVER['DOCUMENT_ROOT'] . $path;
if (is_dir($file)) {
    $file = rtrim($file, '/') . '/index.php';
}
if (is_file($file)) {
    return false;
}
// What a router answers is missing in the server's own log.
register_shutdown_function(function () {
    error_log(sprintf('router [%d]: %s %s', http_response_code(), $_SERVER['REQUEST_METHOD'], $_SERVER['REQUEST_URI']));
});
$_SERVER['SCRIPT_NAME'] = '/index.php';
$_SERVER['SCRIPT_FILENAME'] = $_SERVER['DOCUMENT_ROOT'] . '/index.php';
$_SERVER['PHP_SELF'] = '/index.php';
require $_SERVER['DOCUMENT_ROOT'] . '/index.php';
