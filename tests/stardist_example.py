"""Settings of the smallest StarDist model, as its ``config.json`` names them."""

from collections.abc import Mapping
from typing import Any

CONFIG: Mapping[str, Any] = {
    "n_dim": 2,
    "n_channel_in": 1,
    "n_rays": 8,
    "grid": [2, 2],
    "backbone": "unet",
    "unet_n_depth": 1,
    "unet_n_filter_base": 4,
    "unet_n_conv_per_depth": 2,
    "unet_kernel_size": [3, 3],
    "unet_pool": [2, 2],
    "unet_activation": "relu",
    "unet_last_activation": "relu",
    "unet_batch_norm": True,
    "unet_expansion": 2,
    "net_conv_after_unet": 6,
}
