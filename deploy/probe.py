"""A container's health check: exits with 0 when `/health/ready` answers with a 2xx. The image has no curl."""

import http.client
import sys

connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=3)
connection.request("GET", "/health/ready")
sys.exit(0 if 200 <= connection.getresponse().status < 300 else 1)
