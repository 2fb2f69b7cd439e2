"""The checkpoints of tiny_families.py without what transformers computes with them.

write_tiny_folders.py FOLDER
FOLDER/<name>/{hf, v4, model.gguf} as there; parameters.json: {parameter: elements}, tied ones once.
"""
import json
import os
import sys

import torch
import transformers

import tiny_families


@torch.no_grad()
def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for number, (name, (make, with_gguf)) in enumerate(tiny_families.MODELS.items()):
        torch.manual_seed(number)
        model = transformers.AutoModelForCausalLM.from_config(make()).float().eval()
        tiny_families.randomise(model)
        folder = f"{sys.argv[1]}/{name}"
        os.makedirs(folder)
        tiny_families.save_folders(model, folder)
        if with_gguf:
            tiny_families.write_gguf(model, f"{folder}/model.gguf")
        with open(f"{folder}/parameters.json", "w", encoding="utf-8") as file:
            json.dump({key: value.numel() for key, value in model.named_parameters()}, file)


if __name__ == "__main__":
    main()
