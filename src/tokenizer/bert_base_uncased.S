/* The vocabulary that hilo-vocabulary compiled during the build, in read-only memory. */
    .section .rodata
    .balign 64
    .globl hilo_bert_base_uncased_begin
    .hidden hilo_bert_base_uncased_begin
hilo_bert_base_uncased_begin:
    .incbin HILO_BERT_BASE_UNCASED_BLOB
    .globl hilo_bert_base_uncased_end
    .hidden hilo_bert_base_uncased_end
hilo_bert_base_uncased_end:
    .section .note.GNU-stack, "", %progbits
