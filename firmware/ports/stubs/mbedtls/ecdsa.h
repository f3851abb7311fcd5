/* Just enough of ESP-IDF 5 for the port to be type-checked; written by hand, never linked. */
#pragma once
#include <stddef.h>
typedef struct {
    int limbs;
} mbedtls_mpi;
typedef struct {
    int x;
} mbedtls_ecp_point;
typedef struct {
    int id;
    mbedtls_ecp_point G;
} mbedtls_ecp_group;
#define MBEDTLS_ECP_PF_UNCOMPRESSED 0
typedef enum { MBEDTLS_ECP_DP_SECP256R1 = 3 } mbedtls_ecp_group_id;
typedef struct {
    mbedtls_ecp_group grp;
    mbedtls_mpi d;
    mbedtls_ecp_point Q;
} mbedtls_ecdsa_context;
typedef mbedtls_ecdsa_context mbedtls_ecp_keypair;
typedef int mbedtls_rng(void *, unsigned char *, size_t);
void mbedtls_mpi_init(mbedtls_mpi *number);
void mbedtls_mpi_free(mbedtls_mpi *number);
int mbedtls_mpi_write_binary(const mbedtls_mpi *number, unsigned char *bytes, size_t length);
int mbedtls_mpi_read_binary(mbedtls_mpi *number, const unsigned char *bytes, size_t length);
void mbedtls_ecp_group_init(mbedtls_ecp_group *group);
void mbedtls_ecp_group_free(mbedtls_ecp_group *group);
int mbedtls_ecp_group_load(mbedtls_ecp_group *group, mbedtls_ecp_group_id id);
void mbedtls_ecp_point_init(mbedtls_ecp_point *point);
void mbedtls_ecp_point_free(mbedtls_ecp_point *point);
int mbedtls_ecp_point_read_binary(const mbedtls_ecp_group *group, mbedtls_ecp_point *point,
                                  const unsigned char *bytes, size_t length);
int mbedtls_ecp_mul(mbedtls_ecp_group *group, mbedtls_ecp_point *product, const mbedtls_mpi *factor,
                    const mbedtls_ecp_point *point, mbedtls_rng *random, void *random_context);
int mbedtls_ecp_point_write_binary(const mbedtls_ecp_group *group, const mbedtls_ecp_point *point,
                                   int format, size_t *length, unsigned char *bytes, size_t size);
int mbedtls_ecp_write_key(mbedtls_ecp_keypair *key, unsigned char *bytes, size_t length);
int mbedtls_ecp_read_key(mbedtls_ecp_group_id id, mbedtls_ecp_keypair *key,
                         const unsigned char *bytes, size_t length);
void mbedtls_ecdsa_init(mbedtls_ecdsa_context *context);
int mbedtls_ecdsa_genkey(mbedtls_ecdsa_context *context, mbedtls_ecp_group_id id, mbedtls_rng *random,
                         void *random_context);
int mbedtls_ecdsa_sign(mbedtls_ecp_group *group, mbedtls_mpi *r, mbedtls_mpi *s, const mbedtls_mpi *d,
                       const unsigned char *digest, size_t length, mbedtls_rng *random,
                       void *random_context);
int mbedtls_ecdsa_verify(mbedtls_ecp_group *group, const unsigned char *digest, size_t length,
                         const mbedtls_ecp_point *point, const mbedtls_mpi *r, const mbedtls_mpi *s);
