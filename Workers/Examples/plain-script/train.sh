#!/bin/sh
# SPDX-License-Identifier: MIT
# A script that knows nothing of sweepd: it reads its arguments and prints lines like `epoch 3 val_loss=0.5`.
# It "trains" by gradient descent on (w - 3)^2, from w = 0.
lr=0.1 epochs=10
for word in "$@"; do
    case "$word" in
        --lr=*) lr=${word#--lr=} ;;
        --epochs=*) epochs=${word#--epochs=} ;;
    esac
done
echo "training with lr=$lr"
awk -v lr="$lr" -v epochs="$epochs" 'BEGIN {
    w = 0
    for (epoch = 1; epoch <= epochs; epoch++) {
        w -= lr * 2 * (w - 3)
        printf "epoch %d val_loss=%.6g\n", epoch, (w - 3) * (w - 3)
    }
}'
