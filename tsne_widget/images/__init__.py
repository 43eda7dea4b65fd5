"""Sources of pictures (arrays, files, datasets), and thumbnails that are safe to display."""

from tsne_widget._image_source import ImageSource
from tsne_widget.images.arrays import ArrayImages
from tsne_widget.images.check import checked_images
from tsne_widget.images.datasets import DatasetImages
from tsne_widget.images.files import FileImages
from tsne_widget.images.measuring import Measured, Measuring
from tsne_widget.images.properties import Properties, properties
from tsne_widget.images.remarks import NoImages, RemarkedImages
from tsne_widget.images.source import as_image_source, images_of
from tsne_widget.images.thumbnails import Thumbnail, ThumbnailCache, thumbnail

__all__ = [
    "ArrayImages",
    "DatasetImages",
    "FileImages",
    "ImageSource",
    "Measured",
    "Measuring",
    "NoImages",
    "Properties",
    "RemarkedImages",
    "Thumbnail",
    "ThumbnailCache",
    "as_image_source",
    "checked_images",
    "images_of",
    "properties",
    "thumbnail",
]
