// A certificate with its key, and how connections agree on theirs: TLS 1.2 or 1.3, forward secrecy,
// authenticated ciphers.
//
// Threads: one.
#pragma once

#include <memory>
#include <openssl/ossl_typ.h>
#include <string>

#include "base/result.h"

namespace hilo::http {

class TlsContext {
 public:
  // PEM files. The certificate comes first and then those of who signed it.
  static Result<TlsContext> open(const std::string& certificate, const std::string& key);

  // A connection under way keeps what it began with when the files are read again.
  SSL_CTX* get() const { return context_.get(); }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const;
  };
  std::unique_ptr<SSL_CTX, Free> context_;
};

}  // namespace hilo::http
