"""An EST server (RFC 7030) that is not ours: OpenSSL reads the requests, signs, and packs the answers.

est-openssl.py FOLDER PORT CODE SECONDS: FOLDER has ca.cnf for `openssl ca`, chain.pem (what is above a certificate),
server.pem and server.key; CODE enrols, and what is issued lives for SECONDS.
"""
import base64, datetime, http.server, ssl, subprocess, sys

folder, port, code, life = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])


def openssl(*arguments, given=None):
    return subprocess.run(["openssl", *arguments], input=given, stdout=subprocess.PIPE, check=True, cwd=folder).stdout


class EST(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        request = base64.b64decode(self.rfile.read(int(self.headers["Content-Length"])))
        name = self.who()
        if name is None:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="estrealm"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        subject = openssl("req", "-inform", "DER", "-verify", "-noout", "-subject", "-nameopt", "multiline", given=request).decode()
        assert f"= {name}\n" in subject and self.headers["Content-Type"] == "application/pkcs10", subject
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=life)
        openssl("req", "-inform", "DER", "-out", "request.pem", given=request)
        openssl("ca", "-batch", "-notext", "-config", "ca.cnf", "-in", "request.pem", "-out", "issued.pem", "-enddate", end.strftime("%y%m%d%H%M%SZ"))
        packed = openssl("crl2pkcs7", "-nocrl", "-certfile", "chain.pem", "-certfile", "issued.pem", "-outform", "DER")
        body = base64.encodebytes(packed).replace(b"\n", b"\r\n")
        print("enrolled" if self.path.endswith("/simpleenroll") else "renewed", name, flush=True)
        self.send_response(200)
        self.send_header("Content-Type", "application/pkcs7-mime; smime-type=certs-only")
        self.send_header("Content-Transfer-Encoding", "base64")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def who(self):
        """The name that the other side has proved to have."""
        if self.path == "/.well-known/est/simpleenroll":
            kind, _, credentials = self.headers.get("Authorization", "").partition(" ")
            name, _, password = base64.b64decode(credentials).decode().partition(":")
            return name if kind == "Basic" and password == code else None
        if self.path == "/.well-known/est/simplereenroll" and (peer := self.connection.getpeercert()):
            return dict(pair for part in peer["subject"] for pair in part)["commonName"]
        return None


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(f"{folder}/server.pem", f"{folder}/server.key")
context.load_verify_locations(f"{folder}/chain.pem")
context.verify_mode = ssl.CERT_OPTIONAL
server = http.server.ThreadingHTTPServer(("127.0.0.1", port), EST)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
