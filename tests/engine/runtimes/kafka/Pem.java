// Prints the private key of a PKCS12 store as PEM, encrypted: Pem STORE STORE_PASSWORD KEY_PASSWORD

import java.io.FileInputStream;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.util.Base64;
import javax.crypto.Cipher;
import javax.crypto.EncryptedPrivateKeyInfo;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.PBEParameterSpec;

public final class Pem {
    private static final String SCHEME = "PBEWithSHA1AndDESede";

    public static void main(String[] arguments) throws Exception {
        char[] storePassword = arguments[1].toCharArray();
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (FileInputStream input = new FileInputStream(arguments[0])) {
            store.load(input, storePassword);
        }
        byte[] key = store.getKey(store.aliases().nextElement(), storePassword).getEncoded();
        SecureRandom drawn = new SecureRandom();
        PBEParameterSpec parameters = new PBEParameterSpec(drawn.generateSeed(8), 4096);
        Cipher cipher = Cipher.getInstance(SCHEME);
        PBEKeySpec password = new PBEKeySpec(arguments[2].toCharArray());
        cipher.init(Cipher.ENCRYPT_MODE, SecretKeyFactory.getInstance(SCHEME).generateSecret(password), parameters);
        byte[] encrypted = new EncryptedPrivateKeyInfo(cipher.getParameters(), cipher.doFinal(key)).getEncoded();
        System.out.println("-----BEGIN ENCRYPTED PRIVATE KEY-----");
        System.out.println(Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(encrypted));
        System.out.println("-----END ENCRYPTED PRIVATE KEY-----");
    }
}
