#include "http/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string_view>

#include <fmt/format.h>

namespace hilo::http {
namespace {

// TLS 1.3 has only suites of this kind.
constexpr const char* ciphers_of_1_2 = "ECDHE+AESGCM:ECDHE+CHACHA20";
// The protocols that are spoken, each with its length before it, as ALPN has them.
constexpr std::string_view protocols = "\x08http/1.1";

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_bytes,
                    const unsigned char* offered, unsigned offered_bytes, void*) {
  unsigned char* selected = nullptr;
  const int found = ::SSL_select_next_proto(
      &selected, chosen_bytes, reinterpret_cast<const unsigned char*>(protocols.data()),
      static_cast<unsigned>(protocols.size()), offered, offered_bytes);
  *chosen = selected;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

// A server has nobody to ask for the password of a key.
int no_password(char*, int, int, void*) { return -1; }

Error refused(std::string_view what, const std::string& path) {
  const char* const reason = ::ERR_reason_error_string(::ERR_peek_last_error());
  ::ERR_clear_error();
  return Error{fmt::format("The {} {} cannot be used: {}.", what, path,
                           reason != nullptr ? reason : "it cannot be read")};
}

}  // namespace

void TlsContext::Free::operator()(SSL_CTX* context) const { ::SSL_CTX_free(context); }

Result<TlsContext> TlsContext::open(const std::string& certificate, const std::string& key) {
  ::ERR_clear_error();
  TlsContext made;
  made.context_.reset(::SSL_CTX_new(::TLS_server_method()));
  SSL_CTX* const context = made.get();
  ENSURE(context != nullptr);
  ENSURE(::SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1);
  ENSURE(::SSL_CTX_set_cipher_list(context, ciphers_of_1_2) == 1);
  ::SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // A write may be cut short, as by a plain socket. What was read in one piece is kept for the
  // next call, which looks there before it waits.
  ::SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS);
  ::SSL_CTX_set_read_ahead(context, 1);
  ::SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  ::SSL_CTX_set_default_passwd_cb(context, no_password);
  if (::SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1)
    return refused("certificate", certificate);
  if (::SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      ::SSL_CTX_check_private_key(context) != 1)
    return refused("key", key);
  return made;
}

}  // namespace hilo::http
