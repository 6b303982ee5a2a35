"""The function as it is deployed: TensorFlow's C library, and no `import tensorflow`."""

import handler

apigw_interface = handler.apigw_interface
predict = handler.model.session.predict
