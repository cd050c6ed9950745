// What is compiled of mbedTLS for cryptolib: AES in ECB and CBC mode, in portable C.
#define MBEDTLS_AES_C
#define MBEDTLS_CIPHER_MODE_CBC
