// dmcrypto: what omadm asks of mbedTLS on boards that have room for it (lib/omadm/pubkey.py, xmlenc.py).
//
//   rsa_verify(n, e, digest, signature) -> bool        PKCS #1 v1.5, SHA-256; all four in octets
//   ecdsa_verify(point, digest, signature) -> bool     P-256: 04 X Y; r and s, 32 octets each
//   aes_gcm(key, iv, data, tag) -> bool                decrypts data, a bytearray or memoryview, in place
//
// A wrong signature or tag is False; ValueError means that the key cannot be used, MemoryError that the
// heap ran out. After a wrong tag
// data is zeros. Sizes of keys and signatures are checked by the callers, and by mbedTLS once more.
// On the ESP32 mbedTLS uses the engine for big numbers. Its memory is the heap of MicroPython there
// where the port says so, and given back before a call returns.

#include <string.h>

#include "py/runtime.h"

#include "mbedtls/ecdsa.h"
#include "mbedtls/ecp.h"
#include "mbedtls/gcm.h"
#include "mbedtls/rsa.h"

#define DIGEST_LEN (32)
#define NUMBER_LEN (32)
#define PIECE (64)

static void octets(mp_obj_t from, mp_buffer_info_t *info) {
    mp_get_buffer_raise(from, info, MP_BUFFER_READ);
}

static void digest_of(mp_obj_t from, mp_buffer_info_t *info) {
    octets(from, info);
    if (info->len != DIGEST_LEN) {
        mp_raise_ValueError(MP_ERROR_TEXT("digest"));
    }
}

// Of an error of mbedTLS: the heap ran out, which says nothing about the signature.
static bool no_heap(int error) {
    return (-error & 0x7f) == -MBEDTLS_ERR_MPI_ALLOC_FAILED || (-error & 0xff80) == -MBEDTLS_ERR_ECP_ALLOC_FAILED;
}

static mp_obj_t answer(int error, bool failed) {
    if (no_heap(error)) {
        mp_raise_type(&mp_type_MemoryError);
    }
    if (failed) {
        mp_raise_ValueError(MP_ERROR_TEXT("key"));
    }
    return mp_obj_new_bool(error == 0);
}

static mp_obj_t dmcrypto_rsa_verify(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    mp_buffer_info_t n, e, digest, signature;
    octets(args[0], &n);
    octets(args[1], &e);
    digest_of(args[2], &digest);
    octets(args[3], &signature);
    mbedtls_rsa_context rsa;
    mbedtls_rsa_init(&rsa);
    int error = mbedtls_rsa_import_raw(&rsa, n.buf, n.len, NULL, 0, NULL, 0, NULL, 0, e.buf, e.len);
    error = error ? error : mbedtls_rsa_complete(&rsa);
    error = error ? error : mbedtls_rsa_check_pubkey(&rsa);
    bool failed = error != 0;
    if (!failed) {
        error = MBEDTLS_ERR_RSA_VERIFY_FAILED;
        if (mbedtls_rsa_get_len(&rsa) == signature.len) {
            error = mbedtls_rsa_pkcs1_verify(&rsa, MBEDTLS_MD_SHA256, DIGEST_LEN, digest.buf, signature.buf);
        }
    }
    mbedtls_rsa_free(&rsa);
    return answer(error, failed);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(dmcrypto_rsa_verify_obj, 4, 4, dmcrypto_rsa_verify);

static mp_obj_t dmcrypto_ecdsa_verify(mp_obj_t point_in, mp_obj_t digest_in, mp_obj_t signature_in) {
    mp_buffer_info_t point, digest, signature;
    octets(point_in, &point);
    digest_of(digest_in, &digest);
    octets(signature_in, &signature);
    if (signature.len != 2 * NUMBER_LEN) {
        return mp_const_false;
    }
    mbedtls_ecp_group group;
    mbedtls_ecp_point q;
    mbedtls_mpi r, s;
    mbedtls_ecp_group_init(&group);
    mbedtls_ecp_point_init(&q);
    mbedtls_mpi_init(&r);
    mbedtls_mpi_init(&s);
    int error = mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_SECP256R1);
    error = error ? error : mbedtls_ecp_point_read_binary(&group, &q, point.buf, point.len);
    error = error ? error : mbedtls_ecp_check_pubkey(&group, &q); // on the curve
    bool failed = error != 0;
    if (!failed) {
        const unsigned char *numbers = signature.buf;
        error = mbedtls_mpi_read_binary(&r, numbers, NUMBER_LEN);
        error = error ? error : mbedtls_mpi_read_binary(&s, numbers + NUMBER_LEN, NUMBER_LEN);
        error = error ? error : mbedtls_ecdsa_verify(&group, digest.buf, DIGEST_LEN, &q, &r, &s);
    }
    mbedtls_mpi_free(&s);
    mbedtls_mpi_free(&r);
    mbedtls_ecp_point_free(&q);
    mbedtls_ecp_group_free(&group);
    return answer(error, failed);
}
static MP_DEFINE_CONST_FUN_OBJ_3(dmcrypto_ecdsa_verify_obj, dmcrypto_ecdsa_verify);

// In pieces by way of a buffer: mbedTLS does not promise that output may lie on input.
static bool gcm_run(mbedtls_gcm_context *gcm, unsigned char *data, size_t len, const unsigned char *wanted) {
    unsigned char piece[PIECE], tag[16];
    size_t done;
    for (size_t at = 0; at < len; at += done) {
        size_t size = len - at < PIECE ? len - at : PIECE;
        memcpy(piece, data + at, size);
        if (mbedtls_gcm_update(gcm, piece, size, data + at, size, &done) || done != size) {
            return false;
        }
    }
    if (mbedtls_gcm_finish(gcm, NULL, 0, &done, tag, sizeof(tag))) {
        return false;
    }
    unsigned char differ = 0;
    for (size_t i = 0; i < sizeof(tag); i++) {
        differ |= tag[i] ^ wanted[i];
    }
    return differ == 0;
}

static mp_obj_t dmcrypto_aes_gcm(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    mp_buffer_info_t key, iv, data, tag;
    octets(args[0], &key);
    octets(args[1], &iv);
    mp_get_buffer_raise(args[2], &data, MP_BUFFER_RW);
    octets(args[3], &tag);
    if ((key.len != 16 && key.len != 32) || iv.len != 12 || tag.len != 16) {
        mp_raise_ValueError(MP_ERROR_TEXT("key"));
    }
    mbedtls_gcm_context gcm;
    mbedtls_gcm_init(&gcm);
    bool right = mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, key.buf, key.len * 8) == 0
        && mbedtls_gcm_starts(&gcm, MBEDTLS_GCM_DECRYPT, iv.buf, iv.len) == 0
        && gcm_run(&gcm, data.buf, data.len, tag.buf);
    mbedtls_gcm_free(&gcm);
    if (!right) {
        memset(data.buf, 0, data.len);
    }
    return mp_obj_new_bool(right);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(dmcrypto_aes_gcm_obj, 4, 4, dmcrypto_aes_gcm);

static const mp_rom_map_elem_t dmcrypto_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_dmcrypto) },
    { MP_ROM_QSTR(MP_QSTR_rsa_verify), MP_ROM_PTR(&dmcrypto_rsa_verify_obj) },
    { MP_ROM_QSTR(MP_QSTR_ecdsa_verify), MP_ROM_PTR(&dmcrypto_ecdsa_verify_obj) },
    { MP_ROM_QSTR(MP_QSTR_aes_gcm), MP_ROM_PTR(&dmcrypto_aes_gcm_obj) },
};
static MP_DEFINE_CONST_DICT(dmcrypto_globals, dmcrypto_globals_table);

const mp_obj_module_t dmcrypto_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&dmcrypto_globals,
};

MP_REGISTER_MODULE(MP_QSTR_dmcrypto, dmcrypto_module);
